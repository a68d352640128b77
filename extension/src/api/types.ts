import type {
  Machine,
  Me,
  PublishedAsset,
  Revision as PublishedRevision,
  Submission as PublishedSubmission
} from '@clean-room/api/coordinator';
import type { AssetVersion } from '@clean-room/protocol/assets';
import type { Custodian } from '@clean-room/protocol/parties';
import type { Policy } from '@clean-room/protocol/policies';
import type { Compute, Spec } from '@clean-room/protocol/submissions';

/** A party that the person can act for, and the person's roles there. */
export type ActingParty = Me['parties'][number];

/** A dataset as its provider's custodian signed it: the newest version, its policy, and the custodian's address. */
export interface Asset extends Pick<PublishedAsset, 'name' | 'provider' | 'versionDigest' | 'policyDigest'> {
  readonly version: AssetVersion;
  readonly policy: Policy;
  readonly custodian: Custodian;
}

/** A machine size that runs can use. */
export type MachineSize = Machine;

/** A revision with its parsed spec. */
export interface RevisionView extends Omit<PublishedRevision, 'spec'> {
  readonly spec: Spec;
}

/** A submission whose revisions have their parsed specs. */
export interface SubmissionView extends Omit<PublishedSubmission, 'revisions'> {
  readonly revisions: readonly RevisionView[];
}

/** A party as its collaboration and its roster describe it. */
export interface PartyDescription {
  readonly party: string;
  readonly title: string;
  /** The names of its people by their ids. */
  readonly people: Readonly<Record<string, string>>;
  readonly custodian?: Custodian;
}

/** The choices of a person in the submit dialog. */
export interface SubmissionRequestOptions {
  /** The path of the notebook. All paths are relative to the root folder of the Jupyter server. */
  readonly notebook: string;
  readonly files: readonly string[];
  readonly datasets: readonly string[];
  readonly purpose: string;
  /** A JSON object as text. */
  readonly parameters: string;
  readonly compute: Compute;
  /** The party that submits. */
  readonly party: string;
  /** The id of the submission whose next revision this is. */
  readonly revisionOf?: string;
}

/** The revision as it would be submitted, computed on the Jupyter server from the files there. */
export interface SubmissionPreview {
  readonly image: string;
  readonly spec: string;
  /** The providers whose approval is needed. */
  readonly providers: readonly string[];
}

/** The opened outputs of a run. */
export interface OpenedRun {
  /** The filtered notebook as nbformat 4 JSON. */
  readonly notebook: unknown;
  /** The path on the Jupyter server that it was written to; absent when it was only returned. */
  readonly file?: string;
}
