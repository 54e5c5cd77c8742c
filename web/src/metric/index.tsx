export default function Metric() {
  return <div class="view" />
}
