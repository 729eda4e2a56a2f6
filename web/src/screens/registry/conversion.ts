import type { ConversionReport, PackageManifest } from '../../../../src/core/model-package.ts';
import { withoutPassword } from '../../../../src/core/without-password.ts';

/** One set of rows on which the ONNX form was compared with the model itself. */
type ComparedRows = {
  readonly on: string;
  readonly rows: number;
  readonly difference: number;
  readonly isWithin: boolean;
};

/** Where the two forms were compared, and how far they are apart at most. */
export function comparedRows(report: ConversionReport): readonly ComparedRows[] {
  const row = (on: string, rows: number, difference: number): ComparedRows => ({
    on,
    rows,
    difference,
    isWithin: difference <= report.bound,
  });
  return [
    ...(report.maxAbsDifference === null
      ? []
      : [row('Input example and variations', report.rows, report.maxAbsDifference)]),
    ...(report.holdout ? [row('Hold-out', report.holdout.rows, report.holdout.maxAbsDifference)] : []),
  ];
}

const FLAVORS: Readonly<Record<string, string>> = {
  sklearn: 'scikit-learn',
  lightgbm: 'LightGBM',
  xgboost: 'XGBoost',
  pytorch: 'PyTorch',
  python_function: 'Python',
};
const flavorName = (flavor: string): string => FLAVORS[flavor] ?? flavor;

/** What computes the version, and why that was chosen. */
export function packageText(manifest: Pick<PackageManifest, 'runtime' | 'conversion'>): {
  readonly runs: string;
  readonly why: string;
} {
  const { runtime, conversion } = manifest;
  if (runtime.kind === 'remote') {
    const version = runtime.version === null ? '' : `, version ${runtime.version}`;
    return {
      runs: `on another server: ${runtime.model}${version} at ${withoutPassword(runtime.url)}`,
      why: 'It is routed, checked, logged and judged here, and computed there.',
    };
  }
  if (runtime.kind === 'graph') {
    return { runs: 'as a graph of packages', why: 'Other packages, put together.' };
  }
  if (runtime.kind === 'onnx') {
    return {
      runs: 'as an ONNX graph, in the serve process',
      why: conversion
        ? `The ONNX form of the ${flavorName(conversion.flavor)} model is served: it is as good and many times faster.`
        : 'It was logged as ONNX.',
    };
  }
  return {
    runs: `as the ${flavorName(runtime.flavor)} model itself, in Python workers`,
    why: conversion?.problem
      ? `Its ONNX form is not served: ${conversion.problem}.`
      : 'It has no ONNX form, or Python was asked for.',
  };
}

const LOWEST = -16;

/** Where a difference stands on a logarithmic scale from 1e-16 to 1, as a share of its width. */
export function placeOnScale(difference: number): number {
  if (difference <= 0) return 0;
  return Math.min(1, Math.max(0, (Math.log10(difference) - LOWEST) / -LOWEST));
}

const SUPERSCRIPT = '⁰¹²³⁴⁵⁶⁷⁸⁹';

/** A small number as people read it: `8.7 × 10⁻⁸`, `0.001`, `0`. */
export function formatSmall(value: number): string {
  if (value === 0) return '0';
  if (Math.abs(value) >= 1e-4) return String(Number(value.toPrecision(2)));
  const [mantissa = '', exponent = ''] = value.toExponential(1).split('e-');
  const raised = [...exponent].map((digit) => SUPERSCRIPT[Number(digit)]).join('');
  return `${mantissa} × 10⁻${raised}`;
}
