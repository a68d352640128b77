import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

const closed = { additionalProperties: false };
const KeyIds = Type.Object({ key_ids: Type.Optional(Type.Array(Type.String())) }, closed);
const PrincipalTags = Type.Object({ container_image_signatures: Type.Optional(KeyIds) }, closed);

/** The body of `POST /v1/token`. Unknown fields are refused, as by the launcher's decoder. */
const TokenOptions = Type.Object(
  {
    audience: Type.Optional(Type.String()),
    token_type: Type.Optional(Type.String()),
    nonces: Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()])),
    aws_principal_tag_options: Type.Optional(
      Type.Union([Type.Object({ allowed_principal_tags: Type.Optional(PrincipalTags) }, closed), Type.Null()])
    )
  },
  closed
);
/** A parsed body of `POST /v1/token`. */
export type TokenOptions = Static<typeof TokenOptions>;

/** Thrown for a request that the launcher or the service answers with status 400 and this message. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * Parses the body of `POST /v1/token` and checks what the launcher checks.
 *
 * @throws BadRequest
 */
export function parseTokenOptions(body: string): TokenOptions & { audience: string; token_type: string } {
  const options = decode(body);
  const { audience = '', token_type: type = '' } = options;
  if (audience === '') throw new BadRequest('use GET request for the default identity token');
  if (type === '') throw new BadRequest('token_type is a required parameter');
  return { ...options, audience, token_type: type };
}

function decode(body: string): TokenOptions {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw new BadRequest('failed to parse POST body as TokenOptions: invalid JSON', { cause });
  }
  if (Value.Check(TokenOptions, value)) return value;
  const [first] = Value.Errors(TokenOptions, value);
  const problem = `${first?.instancePath ?? ''} ${first?.message ?? 'unknown form'}`.trim();
  throw new BadRequest(`failed to parse POST body as TokenOptions: ${problem}`);
}

const MAX_AUDIENCE_BYTES = 512;
const MAX_NONCES = 6;
/** Google's documentation contains two ranges, 8 to 88 and 10 to 74 bytes. This one satisfies both. */
const NONCE_BYTES = { least: 10, most: 74 };

/**
 * Checks the limits of the attestation service, to which the launcher passes the options on.
 *
 * @throws BadRequest
 */
export function checkServiceRules({
  audience,
  nonces
}: {
  audience: string;
  nonces: readonly string[];
}): void {
  const invalid = (reason: string) =>
    new BadRequest(
      `failed to retrieve custom attestation service token: rpc error: code = InvalidArgument desc = ${reason}`
    );
  if (Buffer.byteLength(audience) > MAX_AUDIENCE_BYTES) throw invalid('audience is longer than 512 bytes');
  if (nonces.length > MAX_NONCES) throw invalid('more than 6 nonces');
  const lengths = nonces.map(nonce => Buffer.byteLength(nonce));
  if (lengths.some(length => length < NONCE_BYTES.least || length > NONCE_BYTES.most)) {
    throw invalid('a nonce is not between 10 and 74 bytes long');
  }
}
