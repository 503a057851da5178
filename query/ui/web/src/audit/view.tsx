export default function AuditView() {
  return <h1>Audit</h1>;
}
