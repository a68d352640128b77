import { Type, type Static } from 'typebox';
import { Closed, Count, DigestField } from '../documents/fields.js';

/** What the filter decided on one output. */
export const Verdict = Type.Union([
  Type.Literal('pass'),
  Type.Literal('transformed'),
  Type.Literal('held'),
  Type.Literal('suppressed')
]);
export type Verdict = Static<typeof Verdict>;

/** Why an output was changed, held or suppressed. All a researcher is told; the list is closed so that it tells no value. */
export const ReasonClass = Type.Union([
  Type.Literal('type-not-allowed'), // its MIME type may not leave
  Type.Literal('too-large'),
  Type.Literal('too-many'),
  Type.Literal('rows-of-data'), // it shows rows of a dataset
  Type.Literal('not-plain'), // markup, image or text the filter can't make sure of
  Type.Literal('error-reduced'), // an exception, reduced to cell, line and class
  Type.Literal('re-encoded'), // an image drawn anew from its pixels
  Type.Literal('cleaned') // metadata, active markup or control characters were removed
]);
export type ReasonClass = Static<typeof ReasonClass>;

/** Exception classes that may be named; every other one is called `Exception`. */
export const EXCEPTION_CLASSES = [
  'ArithmeticError',
  'AssertionError',
  'AttributeError',
  'Exception',
  'FileNotFoundError',
  'ImportError',
  'IndentationError',
  'IndexError',
  'KeyError',
  'KeyboardInterrupt',
  'LookupError',
  'MemoryError',
  'ModuleNotFoundError',
  'NameError',
  'NotImplementedError',
  'OSError',
  'OverflowError',
  'PermissionError',
  'RecursionError',
  'RuntimeError',
  'StdinNotImplementedError',
  'StopIteration',
  'SyntaxError',
  'TabError',
  'TimeoutError',
  'TypeError',
  'UnboundLocalError',
  'UnicodeDecodeError',
  'UnicodeEncodeError',
  'ValueError',
  'ZeroDivisionError'
] as const;
export type ExceptionClass = (typeof EXCEPTION_CLASSES)[number];
export const ExceptionClass = Type.Unsafe<ExceptionClass>(
  Type.Union(EXCEPTION_CLASSES.map(name => Type.Literal(name)))
);

export const OutputVerdict = Closed({
  verdict: Verdict,
  reasons: Type.Array(ReasonClass, { maxItems: 8 })
});
export type OutputVerdict = Static<typeof OutputVerdict>;

/** How a cell ended. `not-run`: an earlier cell failed. */
export const CellStatus = Type.Union([
  Type.Literal('ok'),
  Type.Literal('error'),
  Type.Literal('interrupted'),
  Type.Literal('not-run')
]);
export type CellStatus = Static<typeof CellStatus>;

export const CellRecord = Closed({
  /** Position among the notebook's code cells, from 1. */
  cell: Type.Integer({ minimum: 1, maximum: 100_000 }),
  status: CellStatus,
  outputs: Type.Array(OutputVerdict, { maxItems: 10_000 })
});
export type CellRecord = Static<typeof CellRecord>;

/** Why a run did not get to its end. */
export const FailureClass = Type.Union([
  Type.Literal('notebook-error'), // a cell raised
  Type.Literal('time-limit'),
  Type.Literal('memory-limit'),
  Type.Literal('disk-limit'),
  Type.Literal('output-limit'),
  Type.Literal('process-crash')
]);
export type FailureClass = Static<typeof FailureClass>;

export const RunFailure = Closed({
  class: FailureClass,
  cell: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  /** Line of the approved source, from 1. */
  line: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  exception: Type.Optional(ExceptionClass)
});
export type RunFailure = Static<typeof RunFailure>;

export const SealedObject = Closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  digest: DigestField,
  bytes: Count
});
export type SealedObject = Static<typeof SealedObject>;
