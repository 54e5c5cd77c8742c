// What the built files were made of, as one sum: web_test.go holds dist.sha256 to it without Node.
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Plugin } from 'vite'

const roots = ['index.html', 'package-lock.json', 'vite.config.ts']
const trees = ['public', 'src']

/** sourceSum writes the sum of the source beside the directory of the built files, by its name. */
export function sourceSum(): Plugin {
  let built: string
  return {
    name: 'source-sum',
    apply: 'build',
    configResolved: ({ build }) => void (built = build.outDir),
    closeBundle: () => writeFileSync(`${built}.sha256`, `${sumOf(sourceFiles())}\n`),
  }
}

// Tests are no part of what is built.
function sourceFiles(): string[] {
  const within = trees.flatMap((tree) => readdirSync(tree, { recursive: true, withFileTypes: true }).flatMap((f) => (f.isFile() ? [join(f.parentPath, f.name)] : [])))
  return [...roots, ...within.filter((name) => !name.endsWith('.test.ts'))].sort()
}

// The sum of lines of a file's sum and its name, in the order of the names' bytes.
function sumOf(files: string[]): string {
  const sha = (data: string | Buffer) => createHash('sha256').update(data).digest('hex')
  return sha(files.map((name) => `${sha(readFileSync(name))}  ${name}\n`).join(''))
}
