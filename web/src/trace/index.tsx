export default function Trace() {
  return <div class="view" />
}
