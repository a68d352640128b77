import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { AssetName, ByteCount, Closed, DigestField, Title } from '../documents/fields.js';
import { PublicKey, Recipient } from '../documents/keys.js';

export const WorkspaceFile = Closed({
  /** Relative to the workspace, `/` between its parts. */
  path: Type.String({ minLength: 1, maxLength: 1024 }),
  digest: DigestField,
  bytes: ByteCount
});
export type WorkspaceFile = Static<typeof WorkspaceFile>;

export const SpecAsset = Closed({
  name: AssetName,
  /** Digest of the asset version's signed bytes. */
  version: DigestField,
  /** Digest of the policy's signed bytes. */
  policy: DigestField,
  /** The key of the custodian that must approve and release. */
  custodian: PublicKey
});
export type SpecAsset = Static<typeof SpecAsset>;

export const Compute = Closed({
  /** Whole processors. */
  processors: Type.Integer({ minimum: 1, maximum: 1024 }),
  memoryBytes: Type.Integer({ minimum: 64 * 1024 ** 2, maximum: 16 * 1024 ** 4 }),
  accelerator: Type.Union([Type.Literal('none'), Type.Literal('gpu')])
});
export type Compute = Static<typeof Compute>;

/**
 * A revision in full, everything in it by digest and by public key. It lies inside the image, in canonical form, so that
 * image digest and spec digest name each other's content. It holds no time and no id: equal inputs give equal bytes.
 */
export const Spec = defineDocument(
  'spec',
  1,
  Closed({
    format: Type.Literal('clean-room.spec/v1'),
    collaboration: DigestField,
    purpose: Title,
    kernelImage: DigestField,
    /** Sorted by path, bytewise. */
    workspace: Type.Array(WorkspaceFile, { minItems: 1, maxItems: 10_000 }),
    /** Path of the notebook that runs; one of `workspace`. */
    notebook: Type.String({ minLength: 1, maxLength: 1024 }),
    /** A JSON object as text. */
    parameters: Type.String({ maxLength: 65_536 }),
    /** Sorted by name; a name stands once. */
    assets: Type.Array(SpecAsset, { maxItems: 64 }),
    submitter: PublicKey,
    /** Who can open the outputs. */
    recipients: Type.Array(Recipient, { minItems: 1, maxItems: 16 }),
    /** Opens the outputs when the recipients' keys are lost. */
    recovery: Type.Optional(Recipient),
    compute: Compute
  })
);
export type Spec = Static<typeof Spec.schema>;

/** Where the spec and the workspace lie in the image. */
export const SPEC_PATH = 'clean-room/spec.json';
export const WORKSPACE_PATH = 'clean-room/workspace';
