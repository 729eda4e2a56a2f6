import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

type Rgb = readonly [number, number, number];

const css = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');
const themes = {
  light: parse(css.slice(css.indexOf(':root {'), css.indexOf(':root[data-theme'))),
  dark: parse(css.slice(css.indexOf(':root[data-theme'))),
};

function parse(block: string): ReadonlyMap<string, Rgb> {
  const found = block.matchAll(/--([\w-]+):\s*oklch\(([\d.]+) ([\d.]+) ([\d.]+)\);/g);
  return new Map(
    [...found].map(([, name, l, c, h]) => [name as string, linear(Number(l), Number(c), Number(h))]),
  );
}

/** OKLCH to linear sRGB (Ottosson 2020), clipped to the gamut. */
function linear(l: number, c: number, h: number): Rgb {
  const a = c * Math.cos((h * Math.PI) / 180);
  const b = c * Math.sin((h * Math.PI) / 180);
  const x = (l + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const y = (l - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const z = (l - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const clip = (v: number): number => Math.min(1, Math.max(0, v));
  return [
    clip(4.0767416621 * x - 3.3077115913 * y + 0.2309699292 * z),
    clip(-1.2684380046 * x + 2.6097574011 * y - 0.3413193965 * z),
    clip(-0.0041960863 * x - 0.7034186147 * y + 1.707614701 * z),
  ];
}

/** WCAG 2 contrast ratio. */
function contrast(a: Rgb, b: Rgb): number {
  const luminance = ([r, g, bl]: Rgb): number => 0.2126 * r + 0.7152 * g + 0.0722 * bl;
  const [low, high] = [luminance(a), luminance(b)].sort((p, q) => p - q) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

const surfaces = ['bg', 'surface', 'raised', 'sunken'] as const;
const texts = ['text', 'muted', 'faint'] as const;
const marks = ['accent', 'good', 'watch', 'bad', 'info', 'champion', 'challenger', 'shadow'] as const;
const series = ['1', '2', '3', '4', '5', '6', '7', '8'].map((n) => `series-${n}`);

for (const [theme, tokens] of Object.entries(themes)) {
  const at = (name: string): Rgb => {
    const value = tokens.get(name);
    assert.ok(value, `${theme} has no token --${name}`);
    return value;
  };
  const expectRatio = (ink: string, paper: string, floor: number): void => {
    const ratio = contrast(at(ink), at(paper));
    assert.ok(ratio >= floor, `${theme}: --${ink} on --${paper} is ${ratio.toFixed(2)}:1, needs ${floor}:1`);
  };

  test(`${theme}: text is readable on every surface`, () => {
    for (const paper of surfaces) for (const ink of texts) expectRatio(ink, paper, 4.5);
    for (const paper of ['accent-quiet', 'good-quiet', 'watch-quiet', 'bad-quiet']) {
      expectRatio('text', paper, 4.5);
      expectRatio('muted', paper, 4.5);
      expectRatio('faint', paper, 4.5);
    }
    expectRatio('on-accent', 'accent', 4.5);
    for (const paper of ['bg', 'surface'])
      for (const ink of ['accent', 'good', 'bad']) expectRatio(ink, paper, 4.5);
  });

  test(`${theme}: states, identities and series stand out from the surface`, () => {
    for (const paper of ['bg', 'surface', 'raised']) {
      for (const ink of [...marks, ...series]) expectRatio(ink, paper, 3);
    }
  });
}

test('both themes define the same names', () => {
  assert.deepEqual([...themes.light.keys()].sort(), [...themes.dark.keys()].sort());
});
