import { defineConfig } from 'vitest/config'
import { sourceSum } from './sum.ts'

// The page works behind any path prefix, so its own files are asked for relative to it.
export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  plugins: [sourceSum()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: { include: ['src/**/*.test.ts'], env: { TZ: 'Asia/Kolkata' } },
  server: {
    proxy: Object.fromEntries(
      ['/api', '/loki', '/tempo', '/prometheus'].map((path) => [path, { target: process.env.PLAIT_API ?? 'http://127.0.0.1:7080', ws: true }]),
    ),
  },
})
