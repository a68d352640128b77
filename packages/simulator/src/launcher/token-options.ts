import { decodeGoJson, GoJsonError, type GoStruct } from './go-json.js';

/** The body of `POST /v1/token`: the fields that the launcher's decoder knows. */
const TOKEN_OPTIONS: GoStruct = {
  name: 'TokenOptions',
  fields: {
    audience: 'string',
    nonces: { list: 'string' },
    token_type: 'string',
    aws_principal_tag_options: {
      name: 'AWSPrincipalTagsOptions',
      fields: {
        allowed_principal_tags: {
          name: 'AllowedPrincipalTags',
          fields: {
            container_image_signatures: {
              name: 'ContainerImageSignatures',
              fields: { key_ids: { list: 'string' } }
            }
          }
        }
      }
    }
  }
};

/** A parsed body of `POST /v1/token`, without the options of token types for AWS. */
export interface TokenOptions {
  readonly audience: string;
  readonly token_type: string;
  readonly nonces: readonly string[];
}

/** Thrown for a request that the launcher itself answers with status 400 and this message. */
export class BadRequest extends Error {
  override readonly name = 'BadRequest';
}

/**
 * Parses the body of `POST /v1/token` and checks what the launcher checks.
 *
 * @throws BadRequest
 */
export function parseTokenOptions(body: string): TokenOptions {
  const { audience = '', token_type: type = '', nonces = [] } = decode(body) ?? {};
  if (audience === '') throw new BadRequest('use GET request for the default identity token');
  if (type === '') throw new BadRequest('token_type is a required parameter');
  return { audience, token_type: type, nonces };
}

function decode(body: string): Partial<TokenOptions> | undefined {
  try {
    return decodeGoJson(body, TOKEN_OPTIONS) as Partial<TokenOptions> | undefined;
  } catch (error) {
    if (!(error instanceof GoJsonError)) throw error;
    throw new BadRequest(`failed to parse POST body as TokenOptions: ${error.message}`, { cause: error });
  }
}
