export default function Map() {
  return <div class="view" />
}
