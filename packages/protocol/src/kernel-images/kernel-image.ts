import { Type, type Static } from 'typebox';
import { defineDocument } from '../documents/document.js';
import { Closed, DigestField, Title } from '../documents/fields.js';

/** The format of a bill of materials, by its media type. */
export const SBOM_FORMAT = 'application/vnd.cyclonedx+json;version=1.6';

/** The bill of materials of a kernel image: what the image is made of, with licences. */
const Sbom = Closed({
  /** The digest of the file. */
  digest: DigestField,
  format: Type.Literal(SBOM_FORMAT)
});

/**
 * A signed statement that an image is a kernel image of the clean room. The signing key is our release key. For a `development`
 * image it is a key that was made on the same machine at its first start; such images may only be used with the simulator.
 */
export const KernelImageStatement = defineDocument(
  'kernel-image',
  1,
  Closed({
    format: Type.Literal('clean-room.kernel-image/v1'),
    name: Title,
    /** The digest of the image's manifest. */
    digest: DigestField,
    accelerator: Type.Union([Type.Literal('none'), Type.Literal('gpu')]),
    development: Type.Boolean(),
    /** The hardware roots that are compiled into the image's supervisor. */
    hardwareRoots: Type.Array(DigestField, { minItems: 1, maxItems: 16, uniqueItems: true }),
    sbom: Type.Optional(Sbom)
  })
);
export type KernelImageStatement = Static<typeof KernelImageStatement.schema>;
