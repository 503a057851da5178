export default function PresetsView() {
  return <h1>Presets</h1>;
}
