// Is the page narrow?
import { useEffect, useState } from 'preact/hooks'

const narrowWidth = '(max-width: 699px)'

/** useNarrow says whether the page has one column. */
export function useNarrow(): boolean {
  const [narrow, set] = useState(() => matchMedia(narrowWidth).matches)
  useEffect(() => {
    const query = matchMedia(narrowWidth)
    const change = () => set(query.matches)
    query.addEventListener('change', change)
    return () => query.removeEventListener('change', change)
  }, [])
  return narrow
}
