export default function AnalysisView() {
  return <h1>Analysis</h1>;
}
