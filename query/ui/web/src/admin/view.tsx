export default function AdminView() {
  return <h1>Admin</h1>;
}
