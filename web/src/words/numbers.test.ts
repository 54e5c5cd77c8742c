import { expect, test } from 'vitest'
import { against, chance, count, digits, duration, over, rate, share } from './numbers.ts'

const plain = (text: string) => text.replaceAll('\u2009', ' ')

test.each([
  [0, '0 ms'],
  [17, '17 ns'],
  [999.6, '1.00 µs'],
  [420_000, '420 µs'],
  [53_600_000, '53.6 ms'],
  [999_600_000, '1.00 s'],
  [2_414_000_000, '2.41 s'],
  [59_960_000_000, '1 m 0 s'],
  [72_000_000_000, '1 m 12 s'],
  [3_720_000_000_000, '1 h 2 m'],
  [90_000_000_000_000, '1 d 1 h'],
])('a duration of %d ns is %s', (ns, text) => expect(plain(duration(ns))).toBe(text))

test.each([
  [0, '0'],
  [9.994, '9.99'],
  [9.996, '10.0'],
  [99.96, '100'],
  [12_345, '12,345'],
])('%d has the digits %s', (n, text) => expect(digits(n)).toBe(text))

test.each([
  [0, '0'],
  [99_999, '99,999'],
  [123_400, '123 k'],
  [4_500_000, '4.50 M'],
])('a count of %d is %s', (n, text) => expect(plain(count(n))).toBe(text))

test.each([
  [0, '0'],
  [8.43, '8.4/s'],
  [250, '250/s'],
  [0.05, '3.0/min'],
  [0.0005, '0.03/min'],
])('a rate of %d is %s', (n, text) => expect(rate(n)).toBe(text))

test.each([
  [0, '0'],
  [0.0004, '< 0.1 %'],
  [0.099, '9.9 %'],
  [0.452, '45 %'],
  [0.998, '> 99 %'],
  [1, '100 %'],
])('a share of %d is %s', (n, text) => expect(plain(share(n))).toBe(text))

test.each([
  [22, 1, '× 22'],
  [156, 1, '× 156'],
  [1.1, 1, 'as usual'],
  [0.5, 1, '× 0.5'],
  [5, 0, ''],
])('%d against %d is %s', (now, usual, text) => expect(plain(against(now, usual))).toBe(text))

test('what exceeds the usual has a sign', () => {
  expect(plain(over(2_600_000_000, 20_000_000))).toBe('+ 2.58 s')
  expect(plain(over(10_000_000, 20_000_000))).toBe('− 10.0 ms')
})

test('chance is told in words', () => {
  expect([1e-9, 0.001, 0.02, 0.5].map(chance)).toEqual(['not by chance', 'hardly by chance', 'perhaps by chance', 'may be chance'])
})
