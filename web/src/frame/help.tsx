// All keys of this view, and a switch that turns single letters off.
import { useEffect, useRef } from 'preact/hooks'
import { inOrder, lettersOn, setLetters, useKeys } from './keys.ts'

export function Help({ close }: { close: () => void }) {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => box.current?.showModal(), [])
  const keysToClose = ['?', 'Escape'].map((key) => ({ key, does: 'close this list', run: close }))
  useKeys(keysToClose, 'dialog')
  const keys = new Map(inOrder().flatMap((layer) => (layer.rank === 'dialog' ? [] : layer.keys.map((k) => [k.key, k.does] as const))).reverse())
  return (
    <dialog ref={box} class="help" aria-label="Keys" onClose={close}>
      <h2>Keys</h2>
      <dl>
        {[...keys].reverse().map(([key, does]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input type="checkbox" checked={lettersOn.value} onChange={(e) => setLetters(e.currentTarget.checked)} /> Single letters act
      </label>
      <button type="button" class="button" onClick={close}>
        Close
      </button>
    </dialog>
  )
}
