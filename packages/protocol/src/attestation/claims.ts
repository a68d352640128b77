import { Type, type Static } from 'typebox';
import { Value } from 'typebox/value';

// Unknown claims appear over time and are let through; a known one of another type is refused.
const Text = Type.String();
const Texts = Type.Array(Text);
const Variables = Type.Record(Type.String(), Text);
const Seconds = Type.Integer({ minimum: 0, maximum: 253402300799 });
const Tcb = Type.Object({
  gcp_attester_tcb_status: Type.Optional(Text),
  gcp_attester_tcb_date: Type.Optional(Text)
});
const NullOr = <T extends Parameters<typeof Type.Optional>[0]>(schema: T) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

const Container = Type.Object({
  image_reference: Text,
  image_digest: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
  image_id: Type.Optional(Text),
  restart_policy: Text,
  args: NullOr(Texts),
  env: NullOr(Variables),
  env_override: NullOr(Variables),
  cmd_override: NullOr(Texts),
  image_signatures: Type.Optional(
    Type.Array(Type.Object({ key_id: Text, signature: Text, signature_algorithm: Text }))
  )
});

const Gpu = Type.Object({
  hwmodel: Text,
  driver_version: Type.Optional(Text),
  vbios_version: Type.Optional(Text)
});

/** What Google documents and real tokens show; the sources of each claim stand in Google's token reference. */
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

/** Where a payload is not of the expected form, in words; `undefined` when it is. */
export function claimsProblem(payload: unknown): string | undefined {
  if (Value.Check(ConfidentialSpaceClaims, payload)) return undefined;
  const [first] = Value.Errors(ConfidentialSpaceClaims, payload);
  return first === undefined ? 'unknown form' : `${first.instancePath || '/'} ${first.message}`;
}

export function areClaims(payload: unknown): payload is ConfidentialSpaceClaims {
  return Value.Check(ConfidentialSpaceClaims, payload);
}
