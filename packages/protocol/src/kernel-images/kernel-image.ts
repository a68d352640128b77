import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Closed, DigestField, Title } from '../documents/fields.js';

/** A release key's word that an image is ours. `development`: made at first start on this machine; simulation only. */
export const KernelImageStatement = defineDocument(
  'kernel-image',
  1,
  Closed({
    format: Type.Literal('clean-room.kernel-image/v1'),
    name: Title,
    /** Digest of the image's manifest. */
    digest: DigestField,
    accelerator: Type.Union([Type.Literal('none'), Type.Literal('gpu')]),
    development: Type.Boolean()
  })
);
export type KernelImageStatement = Static<typeof KernelImageStatement.schema>;
