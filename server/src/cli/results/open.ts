import { fromBase64, type Digest } from '@clean-room/protocol/bytes';
import { digestOf } from '@clean-room/protocol/bytes';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { checkSchema, parseStrictJson } from '@clean-room/protocol/documents';
import { Receipt } from '@clean-room/protocol/receipts';
import { OutputRelease, readRunStatement } from '@clean-room/protocol/runs';
import { openOutput } from '@clean-room/protocol/sealing';
import { readSpec } from '@clean-room/protocol/submissions';
import type { Client } from '@clean-room/api';
import { routes } from '@clean-room/api/coordinator';

const LARGEST_OUTPUT = 1024 ** 3;

export interface OpenedResult {
  /** The filtered notebook's bytes: nbformat 4 JSON. */
  readonly notebook: Uint8Array;
  /** The notebook's path in its workspace, as it was submitted. */
  readonly path: string;
  readonly statement: Digest;
}

/** Keys of the reviewing custodians' layers, in the order in which the layers come off. */
function layerKeys(receipt: Receipt, reviewers: readonly string[], output: Digest): Uint8Array[] {
  return reviewers.map(reviewer => {
    const release = receipt.outputReleases
      .filter(envelope => OutputRelease.peek(envelope).value.custodian === reviewer)
      .map(envelope => OutputRelease.open(envelope, reviewer).value)[0];
    const layer = release?.outputs.find(({ digest }) => digest === output);
    if (layer === undefined)
      throw new CleanRoomError('approval-missing', 'A reviewer has not let the outputs go yet.');
    return fromBase64(layer.layerKey);
  });
}

/**
 * Fetches a released run's sealed notebook, checks that it is the one the run statement names, and opens it.
 * @param identity the person's age identity; it never leaves this process
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
    LARGEST_OUTPUT
  );
  if (digestOf(sealed) !== notebook.digest) {
    throw new CleanRoomError(
      'digest-mismatch',
      'The outputs that the coordinator sent are not those of the run.',
      {
        remedy: 'Try again. If it stays, tell the operator.'
      }
    );
  }
  return {
    notebook: await openOutput(sealed, identity, layerKeys(receipt, reviewers, notebook.digest)),
    path: readSpec(fromBase64(receipt.spec)).value.notebook,
    statement: statement.digest
  };
}
