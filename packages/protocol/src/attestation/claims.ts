import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

/** A value of a claim: any JSON value. */
export type ClaimValue =
  string | number | boolean | null | readonly ClaimValue[] | { readonly [name: string]: ClaimValue };

/** The claims of a token of any kind, as a policy's TEE rule reads them. {@link ConfidentialSpaceClaims} are such claims. */
export type TokenClaims = Readonly<Record<string, ClaimValue>>;

// Google adds claims over time, so unknown claims are accepted. A known claim with another type is refused.
const Text = Type.String();
const Texts = Type.Array(Text);
const Variables = Type.Record(Type.String(), Text);
/** Seconds since the epoch, until the end of the year 9999. */
const Seconds = Type.Integer({ minimum: 0, maximum: 253402300799 });
const Tcb = Type.Object({
  gcp_attester_tcb_status: Type.Optional(Text),
  gcp_attester_tcb_date: Type.Optional(Text)
});
const OptionalOrNull = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

const Container = Type.Object({
  image_reference: Text,
  image_digest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
  image_id: Type.Optional(Text),
  restart_policy: Text,
  args: OptionalOrNull(Texts),
  env: OptionalOrNull(Variables),
  env_override: OptionalOrNull(Variables),
  cmd_override: OptionalOrNull(Texts),
  image_signatures: Type.Optional(
    Type.Array(Type.Object({ key_id: Text, signature: Text, signature_algorithm: Text }))
  )
});

const Gpu = Type.Object({
  hwmodel: Text,
  driver_version: Type.Optional(Text),
  vbios_version: Type.Optional(Text)
});

/**
 * The claims of a Confidential Space token, as Google documents them and as real tokens have them.
 *
 * @see https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims
 */
export const ConfidentialSpaceClaims = Type.Object({
  iss: Text,
  aud: Text,
  sub: Text,
  exp: Seconds,
  iat: Seconds,
  nbf: Seconds,
  eat_nonce: Type.Optional(Type.Union([Text, Texts])),
  eat_profile: Type.Optional(Text),
  secboot: Type.Boolean(),
  oemid: Type.Optional(Type.Integer()),
  hwmodel: Text,
  swname: Text,
  swversion: Type.Optional(Texts),
  dbgstat: Text,
  attester_tcb: Type.Optional(Texts),
  /** Google documents an array; real tokens have an object. */
  tdx: Type.Optional(Type.Union([Tcb, Type.Array(Tcb)])),
  google_service_accounts: Type.Optional(Texts),
  submods: Type.Object({
    confidential_space: Type.Optional(
      Type.Object({
        support_attributes: Type.Optional(Texts),
        monitoring_enabled: Type.Optional(Type.Object({ memory: Type.Optional(Type.Boolean()) }))
      })
    ),
    container: Container,
    gce: Type.Optional(
      Type.Object({
        zone: Text,
        project_id: Text,
        project_number: Text,
        instance_name: Text,
        instance_id: Text
      })
    ),
    nvidia_gpu: Type.Optional(
      Type.Object({
        cc_mode: Text,
        cc_feature: Type.Optional(Text),
        gpus: Type.Optional(Type.Array(Gpu))
      })
    )
  })
});
export type ConfidentialSpaceClaims = Static<typeof ConfidentialSpaceClaims>;

/** Returns where a payload does not have the form of {@link ConfidentialSpaceClaims}, as text, or `undefined` if it has. */
export function claimsProblem(payload: unknown): string | undefined {
  if (areClaims(payload)) return undefined;
  const [first] = Value.Errors(ConfidentialSpaceClaims, payload);
  return first === undefined ? 'unknown form' : `${first.instancePath || '/'} ${first.message}`;
}

/** Returns whether a payload has the form of {@link ConfidentialSpaceClaims}. */
export function areClaims(payload: unknown): payload is ConfidentialSpaceClaims {
  return Value.Check(ConfidentialSpaceClaims, payload);
}

/** Returns all nonces of a token. The claim is a string for one nonce, an array for several, and absent for none. */
export function nonces(claims: ConfidentialSpaceClaims): readonly string[] {
  if (claims.eat_nonce === undefined) return [];
  return typeof claims.eat_nonce === 'string' ? [claims.eat_nonce] : claims.eat_nonce;
}

/** Returns the environment variables that the operator set. An absent claim, `null` and an empty object mean the same. */
export function environmentOverrides(claims: ConfidentialSpaceClaims): Readonly<Record<string, string>> {
  return claims.submods.container.env_override ?? {};
}

/** Returns the command that the operator set instead of the image's. An absent claim, `null` and an empty list mean the same. */
export function commandOverride(claims: ConfidentialSpaceClaims): readonly string[] {
  return claims.submods.container.cmd_override ?? [];
}

/** Returns the support levels of the Confidential Space image, such as `STABLE`. Debug images have none. */
export function supportAttributes(claims: ConfidentialSpaceClaims): readonly string[] {
  return claims.submods.confidential_space?.support_attributes ?? [];
}
