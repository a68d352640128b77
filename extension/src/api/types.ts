import type { DecisionState, ReasonClass, RevisionState, RunFailure, RunState } from '@clean-room/protocol/runs';
import type { Hosting, Role } from '@clean-room/protocol/parties';
import type { Compute } from '@clean-room/protocol/submissions';
import type { Policy } from '@clean-room/protocol/policies';
import type { AssetVersion } from '@clean-room/protocol/assets';

/** A party that the person may act for, and as what. */
export interface ActingParty {
  readonly name: string;
  readonly title: string;
  readonly roles: readonly Role[];
}

/** `GET /v1/me` */
export interface Me {
  readonly person: { readonly id: string; readonly name: string };
  readonly parties: readonly ActingParty[];
}

/** `GET /v1/assets`: the newest version of one dataset, with the words of its provider. */
export interface Asset {
  readonly name: string;
  readonly version: number;
  readonly versionDigest: string;
  readonly description: string;
  readonly table: AssetVersion['table'];
  readonly sealedFor: AssetVersion['sealedFor'];
  readonly standIn: AssetVersion['standIn'];
  readonly policyDigest: string;
  readonly policy: Policy;
  readonly custodian: { readonly key: string; readonly origin: string; readonly hosting: Hosting };
}

export interface Decision {
  readonly party: string;
  readonly title: string;
  readonly state: DecisionState;
  readonly reason?: string;
  readonly decidedAt?: string;
  /** Where this provider's reviewers approve: an address on its custodian's own origin. */
  readonly approvalPage?: string;
  readonly unattended?: boolean;
}

export interface WorkspaceFile {
  readonly path: string;
  readonly bytes: number;
  readonly digest: string;
}

export interface Revision {
  readonly number: number;
  readonly state: RevisionState;
  readonly submittedAt: string;
  readonly imageDigest: string;
  readonly specDigest: string;
  readonly assets: readonly { readonly name: string; readonly version: number; readonly policyDigest: string }[];
  readonly parameters: string;
  readonly compute: Compute;
  readonly decisions: readonly Decision[];
  readonly files: readonly WorkspaceFile[];
}

export interface Comment {
  readonly id: string;
  readonly by: string;
  readonly party: string;
  readonly at: string;
  readonly text: string;
}

/** One line of `GET /v1/submissions`. */
export interface SubmissionSummary {
  readonly id: string;
  readonly notebook: string;
  readonly purpose: string;
  readonly party: string;
  readonly partyTitle: string;
  readonly submittedBy: string;
  readonly submittedAt: string;
  readonly revision: number;
  readonly state: RevisionState;
  readonly imageDigest: string;
  readonly decisions: readonly Decision[];
  readonly comments: number;
}

/** `GET /v1/submissions/{id}` */
export interface Submission extends Omit<SubmissionSummary, 'comments' | 'revision' | 'decisions' | 'imageDigest'> {
  readonly revisions: readonly Revision[];
  readonly comments: readonly Comment[];
  readonly runs: readonly Run[];
}

/** A step that a run has reached, as the server reports it. */
export interface RunStep {
  readonly state: RunState;
  readonly at: string;
  readonly detail?: string;
}

/** `GET /v1/runs/{id}`, and one line of `GET /v1/runs`. */
export interface Run {
  readonly id: string;
  readonly submissionId: string;
  readonly notebook: string;
  readonly revision: number;
  readonly attempt: number;
  readonly state: RunState;
  /** Why it waits or ended, in one sentence. */
  readonly reason?: string;
  readonly failure?: RunFailure;
  readonly cell?: { readonly current: number; readonly total: number };
  readonly steps: readonly RunStep[];
  readonly queuedAt: string;
  readonly startedAt?: string;
  readonly endedAt?: string;
  /** What came back, once released. */
  readonly outputs?: { readonly released: number; readonly held: number; readonly suppressed: number };
  readonly simulated: boolean;
}

/** One page of a list; `cursor` asks for the next. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly cursor?: string;
}

/** `POST …/rebuild` */
export interface Rebuild {
  readonly imageDigest: string;
  readonly equal: boolean;
}

/** What the event stream says: something of this kind and id has changed. It carries no content. */
export interface CleanRoomEvent {
  readonly type: 'submission' | 'run' | 'asset';
  readonly id: string;
}

/** What a person asks for in the submit dialog. */
export interface Asked {
  /** Paths from the root of the Jupyter server's files. */
  readonly notebook: string;
  readonly files: readonly string[];
  readonly datasets: readonly string[];
  readonly purpose: string;
  /** A JSON object as text. */
  readonly parameters: string;
  readonly compute: Compute;
}

/** The revision as it would be submitted: worked out on the Jupyter host from the files there. */
export interface Preview {
  readonly imageDigest: string;
  readonly specDigest: string;
  readonly files: readonly WorkspaceFile[];
  /** Providers whose approval is needed. */
  readonly approvals: readonly string[];
}

export interface Submitted extends Preview {
  readonly submissionId: string;
}

/** A run's opened outputs. */
export interface Opened {
  /** The filtered notebook as nbformat 4 JSON. */
  readonly notebook: unknown;
  /** Where it was written, from the root of the Jupyter server's files; absent when it was only shown. */
  readonly path?: string;
}

export type { DecisionState, ReasonClass, RevisionState, RunState, Compute, Policy, Role };
