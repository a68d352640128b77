import type { ChainCode } from './steps.js';

/** Ends the certificate walk. Stays inside this folder: a verdict reports it as a failed step. */
export class ChainFailure extends Error {
  override readonly name = 'ChainFailure';

  constructor(
    readonly code: ChainCode,
    message: string,
    options?: ErrorOptions
  ) {
    super(message, options);
  }
}
