import { Type, type Static } from 'typebox';
import { Closed, Count, DigestField } from '../documents/fields.js';

/** A decision of the output filter about one output. */
export const Verdict = Type.Union([
  Type.Literal('pass'),
  Type.Literal('transformed'),
  Type.Literal('held'),
  Type.Literal('suppressed')
]);
export type Verdict = Static<typeof Verdict>;

/**
 * The reason why an output was changed, held or suppressed. A researcher learns no more than this, and the list is closed so
 * that a reason cannot carry a value from the data.
 */
export const ReasonClass = Type.Union([
  Type.Literal('type-not-allowed'), // the policy does not allow its MIME type
  Type.Literal('too-large'),
  Type.Literal('too-many'),
  Type.Literal('rows-of-data'), // it seems to show rows of a dataset
  Type.Literal('not-plain'), // markup, image or text that the filter cannot check
  Type.Literal('error-reduced'), // an exception was reduced to cell, line and class
  Type.Literal('re-encoded'), // an image was encoded again from its pixels
  Type.Literal('cleaned') // metadata, active markup or control characters were removed
]);
export type ReasonClass = Static<typeof ReasonClass>;

/** The exception classes that a result may name. Any other class is reported as `Exception`. */
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
/** One of {@link EXCEPTION_CLASSES}. */
export type ExceptionClass = (typeof EXCEPTION_CLASSES)[number];
/** The schema of an {@link EXCEPTION_CLASSES | exception class}. */
export const ExceptionClass = Type.Unsafe<ExceptionClass>(
  Type.Union(EXCEPTION_CLASSES.map(name => Type.Literal(name)))
);

/** The verdict on one output, with its reasons. It does not say what the output contains. */
const OutputVerdict = Closed({
  verdict: Verdict,
  reasons: Type.Array(ReasonClass, { maxItems: 8 })
});

/** The outcome of a cell. `not-run`: an earlier cell failed. */
export const CellStatus = Type.Union([
  Type.Literal('ok'),
  Type.Literal('error'),
  Type.Literal('interrupted'),
  Type.Literal('not-run')
]);
export type CellStatus = Static<typeof CellStatus>;

/** A record of one code cell of a run: its outcome, and a verdict for each of its outputs. */
export const CellRecord = Closed({
  /** The position among the notebook's code cells, counted from 1. */
  cell: Type.Integer({ minimum: 1, maximum: 100_000 }),
  status: CellStatus,
  outputs: Type.Array(OutputVerdict, { maxItems: 10_000 })
});
export type CellRecord = Static<typeof CellRecord>;

/** The reason why a run did not complete. */
export const FailureClass = Type.Union([
  Type.Literal('notebook-error'), // a cell raised an exception
  Type.Literal('time-limit'),
  Type.Literal('memory-limit'),
  Type.Literal('disk-limit'),
  Type.Literal('output-limit'),
  Type.Literal('process-crash')
]);
export type FailureClass = Static<typeof FailureClass>;

/** A failure of a run, reduced to values of fixed lists and numbers, so that it cannot carry data. */
export const RunFailure = Closed({
  class: FailureClass,
  cell: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  /** The line of the cell's approved source, counted from 1. */
  line: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
  exception: Type.Optional(ExceptionClass)
});
export type RunFailure = Static<typeof RunFailure>;

/** A sealed file, identified by its digest. `bytes` is its size. */
export const SealedObject = Closed({
  name: Type.String({ minLength: 1, maxLength: 100 }),
  digest: DigestField,
  bytes: Count
});
export type SealedObject = Static<typeof SealedObject>;
