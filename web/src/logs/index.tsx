export default function Logs() {
  return <div class="view" />
}
