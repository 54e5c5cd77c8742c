// The theme follows the system until somebody chooses; the address's goes before both.
import { effect, signal } from '@preact/signals'
import { address } from './address.ts'

const stored = 'plait.theme'
const chosen = signal(typeof localStorage === 'undefined' ? '' : (localStorage.getItem(stored) ?? ''))

/** theme is what is shown: light or dark. */
export const theme = signal<'light' | 'dark'>('light')

/** followTheme keeps the page's theme until the function that it returns is called. */
export function followTheme(): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const pick = () => {
    const wanted = address.value.params.theme || chosen.value || (system.matches ? 'dark' : 'light')
    theme.value = wanted === 'dark' ? 'dark' : 'light'
    document.documentElement.dataset.theme = theme.value
  }
  system.addEventListener('change', pick)
  const stop = effect(pick)
  return () => {
    stop()
    system.removeEventListener('change', pick)
  }
}

/** turn chooses the other theme for good. */
export function turn(): void {
  chosen.value = theme.value === 'dark' ? 'light' : 'dark'
  localStorage.setItem(stored, chosen.value)
}
