/** A file beside the notebook that could go along. */
export interface FileChoice {
  readonly path: string;
  readonly name: string;
  readonly bytes: number;
  /** The notebook seems to use it. */
  readonly used: boolean;
}

/** A submission of this notebook that a provider asked changes for. */
export interface Predecessor {
  readonly id: string;
  /** The revision that ended. */
  readonly revision: number;
  readonly words?: string;
}

export interface SubmissionDraft {
  readonly notebook: string;
  /** Present where this can be the next revision of a submission. */
  readonly predecessor?: Predecessor;
  /** Datasets that the notebook opens. */
  readonly datasets: readonly string[];
  readonly files: readonly FileChoice[];
}
