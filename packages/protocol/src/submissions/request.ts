import { Type, type Static } from 'typebox';
import { defineDocument, type ReadDocument } from '../documents/document.js';
import type { Envelope } from '../documents/dsse.js';
import { Closed, DigestField } from '../documents/fields.js';
import { PublicKey } from '../documents/keys.js';
import { CleanRoomError } from '../errors/index.js';
import type { Spec } from './spec.js';

/** What a researcher's key signs: "run this image, which holds this spec". */
export const SubmissionRequest = defineDocument(
  'submission-request',
  1,
  Closed({
    format: Type.Literal('clean-room.submission-request/v1'),
    spec: DigestField,
    image: DigestField,
    submitter: PublicKey
  })
);
export type SubmissionRequest = Static<typeof SubmissionRequest.schema>;

/** The request for `spec`, signed by the submitter that the spec names. */
export function openSubmissionRequest(
  envelope: Envelope,
  spec: ReadDocument<Spec>,
  image: string
): ReadDocument<SubmissionRequest> {
  const request = SubmissionRequest.open(envelope, spec.value.submitter);
  const { value } = request;
  if (value.spec !== spec.digest || value.image !== image || value.submitter !== spec.value.submitter) {
    throw new CleanRoomError('digest-mismatch', 'The signed request is for another spec or another image.');
  }
  return request;
}
