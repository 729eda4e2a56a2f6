import { setImmediate } from 'node:timers/promises';
import type { MetricFamily, Registry } from './registry.ts';

/** How long it works before requests have a turn. */
const sliceMs = 2;
/** Lines between two looks at the clock. */
const linesPerLook = 64;

/**
 * All metrics in Prometheus' text form (github.com/prometheus/docs, exposition_formats.md, version 0.0.4), in slices of
 * milliseconds: a thousand busy endpoints have tens of thousands of lines, and keep no request waiting for them.
 */
export async function metricsText(registry: Registry): Promise<string> {
  const texts: string[] = [];
  let lines: string[] = [];
  let untilMs = performance.now() + sliceMs;
  const rest = async () => {
    texts.push(lines.join('\n'));
    lines = [''];
    await setImmediate();
    untilMs = performance.now() + sliceMs;
  };
  for (const { name } of registry.getMetricsAsArray()) {
    const family = (await registry.getSingleMetric(name)?.get()) as MetricFamily | undefined;
    if (!family) continue;
    lines.push(`# HELP ${name} ${escaped(family.help)}`, `# TYPE ${name} ${family.type}`);
    for (const { metricName = name, labels, value } of family.values) {
      lines.push(`${metricName}{${labelsText(labels, registry.role)}} ${numberText(value)}`);
      if (lines.length % linesPerLook === 0 && performance.now() > untilMs) await rest();
    }
    lines.push('');
    await rest();
  }
  return texts.join('');
}

function labelsText(labels: Readonly<Partial<Record<string, string | number>>>, role: string): string {
  let text = '';
  for (const name in labels) text += `${name}="${escaped(String(labels[name])).replaceAll('"', '\\"')}",`;
  return 'role' in labels ? text.slice(0, -1) : `${text}role="${role}"`;
}

function numberText(value: number): string {
  if (Number.isFinite(value) || Number.isNaN(value)) return String(value);
  return value > 0 ? '+Inf' : '-Inf';
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}
