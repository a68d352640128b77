import type { AssetVersion } from '@clean-room/protocol/assets';
import type { Custodian } from '@clean-room/protocol/parties';
import type { Policy } from '@clean-room/protocol/policies';
import type { Compute, Spec } from '@clean-room/protocol/submissions';
import type {
  Me,
  PublishedAsset,
  Revision as PublishedRevision,
  Submission as PublishedSubmission
} from '@clean-room/api/coordinator';

export type {
  Comment,
  CoordinatorEvent,
  Decision,
  Me,
  Reason,
  Run,
  RunSummary,
  SubmissionSummary
} from '@clean-room/api/coordinator';
export type { DecisionState, ReasonClass, RevisionState, RunState } from '@clean-room/protocol/runs';
export type { TrustRoots } from '@clean-room/protocol/receipts';
export type { Custodian, Role } from '@clean-room/protocol/parties';
export type { Compute, Policy };

/** A party that the person may act for, and as what. */
export type ActingParty = Me['parties'][number];

/** A dataset as its provider's custodian signed it: the newest version, its policy, and where its custodian is. */
export interface Asset extends Pick<PublishedAsset, 'name' | 'provider' | 'versionDigest' | 'policyDigest'> {
  readonly version: AssetVersion;
  readonly policy: Policy;
  readonly custodian: Custodian;
}

/** A revision with its spec read. */
export interface RevisionView extends Omit<PublishedRevision, 'spec'> {
  readonly spec: Spec;
}

export interface SubmissionView extends Omit<PublishedSubmission, 'revisions'> {
  readonly revisions: readonly RevisionView[];
}

/** A party as its collaboration and roster name it. */
export interface PartyWords {
  readonly party: string;
  readonly title: string;
  /** People's names by their id. */
  readonly people: Readonly<Record<string, string>>;
  readonly custodian?: Custodian;
}

/** What a person asks for in the submit dialog. */
export interface SubmissionRequestOptions {
  /** Paths from the root of the Jupyter server's files. */
  readonly notebook: string;
  readonly files: readonly string[];
  readonly datasets: readonly string[];
  readonly purpose: string;
  /** A JSON object as text. */
  readonly parameters: string;
  readonly compute: Compute;
  /** The party asked for. */
  readonly party: string;
  /** The submission whose next revision this is. */
  readonly revisionOf?: string;
}

/** The revision as it would be submitted: worked out on the Jupyter host from the files there. */
export interface SubmissionPreview {
  readonly image: string;
  readonly spec: string;
  /** Providers whose approval is needed. */
  readonly providers: readonly string[];
}

/** A run's opened outputs. */
export interface OpenedRun {
  /** The filtered notebook as nbformat 4 JSON. */
  readonly notebook: unknown;
  /** Where it was written on the Jupyter host; absent when it was only shown. */
  readonly file?: string;
}
