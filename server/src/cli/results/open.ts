import { digestOf, fromBase64, type Digest } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { Receipt } from '@clean-room/protocol/receipts';
import { OutputRelease, readRunStatement } from '@clean-room/protocol/runs';
import { openOutput } from '@clean-room/protocol/sealing';
import { readSpec } from '@clean-room/protocol/submissions';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';

const MAX_OUTPUT_BYTES = 1024 ** 3;

/** The opened result of a run. */
export interface OpenedResult {
  /** The notebook with its filtered outputs, as nbformat 4 JSON. */
  readonly notebook: Uint8Array;
  /** The path of the notebook in the submitted workspace. */
  readonly path: string;
  /** The digest of the run statement. */
  readonly statement: Digest;
}

/** Returns the keys of the reviewing custodians' layers, in the order in which the layers are removed. */
function layerKeys(receipt: Receipt, reviewers: readonly string[], output: Digest): Uint8Array[] {
  return reviewers.map(reviewer => {
    const release = receipt.outputReleases
      .filter(envelope => OutputRelease.peek(envelope).value.custodian === reviewer)
      .map(envelope => OutputRelease.open(envelope, reviewer).value)[0];
    const layer = release?.outputs.find(({ digest }) => digest === output);
    if (layer === undefined)
      throw new CleanRoomError('approval-missing', 'A reviewer has not released the outputs yet.');
    return fromBase64(layer.layerKey);
  });
}

/**
 * Downloads the sealed notebook of a completed run, checks it against the run statement, and opens it.
 *
 * @param receiptBytes - a receipt that was verified before
 * @param identity - the person's age identity, which is used only in this process
 * @throws CleanRoomError `digest-mismatch`, `forbidden` when it is not sealed to this person
 */
export async function openResult(
  client: Client,
  receiptBytes: Uint8Array,
  identity: string
): Promise<OpenedResult> {
  const receipt = checkSchema(Receipt, parseStrictJson(receiptBytes), 'receipt');
  const statement = readRunStatement(fromBase64(receipt.statement));
  const { notebook, reviewers } = statement.value.predicate.outputs;
  const sealed = await client.downloadBytes(
    routes.getObject,
    { params: { digest: notebook.digest } },
    MAX_OUTPUT_BYTES
  );
  if (digestOf(sealed) !== notebook.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The outputs that the coordinator sent are not the outputs of this run.',
      { remedy: 'Try again. If it happens again, inform the operator.' }
    );
  }
  return {
    notebook: await openOutput(sealed, identity, layerKeys(receipt, reviewers, notebook.digest)),
    path: readSpec(fromBase64(receipt.spec)).value.notebook,
    statement: statement.digest
  };
}
