export default function Health() {
  return <div class="view" />
}
