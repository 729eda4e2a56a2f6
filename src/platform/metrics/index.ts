export { Counter, Gauge, Histogram } from 'prom-client';
export { metricsText } from './metrics-text.ts';
export { Registry, registerHistogram } from './registry.ts';
