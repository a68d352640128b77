import { Type, type Static } from 'typebox';
import {
  Closed,
  DigestField,
  PublicKey,
  defineDocument,
  type Envelope,
  type Read
} from '../documents/index.js';
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
  spec: Read<Spec>,
  image: string
): Read<SubmissionRequest> {
  const request = SubmissionRequest.open(envelope, spec.value.submitter);
  const { value } = request;
  if (value.spec !== spec.digest || value.image !== image || value.submitter !== spec.value.submitter) {
    throw new CleanRoomError('digest-mismatch', 'The signed request is for another spec or another image.');
  }
  return request;
}
