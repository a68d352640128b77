import { SignJWT } from 'jose';
import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';
import type { SimulatorIdentity } from './identity.js';

/** The machine that a token describes. */
export interface Machine {
  readonly projectId: string;
  readonly projectNumber: string;
  readonly zone: string;
  readonly instanceName: string;
  readonly instanceId: string;
  readonly serviceAccounts: readonly string[];
}

/** When the launcher runs the container again. */
export type RestartPolicy = 'Never' | 'Always' | 'OnFailure';

/** The container that a token describes. */
export interface ContainerClaims {
  /** The image as the operator wrote it, with a tag or a digest. Never an identity. */
  readonly imageReference: string;
  readonly imageDigest: string;
  /** The digest of the image's config. */
  readonly imageId: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envOverride: Readonly<Record<string, string>>;
  readonly cmdOverride: readonly string[];
  /** `Never` by default. */
  readonly restartPolicy?: RestartPolicy;
  /** Whether the operator sees how much memory is used. False by default. */
  readonly memoryMonitoring?: boolean;
}

/** The machine and the container that an issuer's tokens describe. */
export interface TokenSubject {
  readonly machine: Machine;
  readonly container: ContainerClaims;
}

/** The lifetime of a token in seconds, the same as of real tokens. */
const TOKEN_LIFE_SECONDS = 3600;

const PROFILE =
  'https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims';

/**
 * Returns claims with the structure, order and spelling of a production token, except for issuer and hardware model, which
 * mark the token as simulated. Empty claims are left out, as in Google's tokens.
 */
function makeClaims(
  { machine, container }: TokenSubject,
  audience: string,
  nonces: readonly string[],
  now: Date
): Record<string, unknown> {
  const iat = Math.floor(now.getTime() / 1000);
  const { projectId, projectNumber, zone, instanceName, instanceId } = machine;
  const [nonce] = nonces;
  return {
    aud: audience,
    exp: iat + TOKEN_LIFE_SECONDS,
    iat,
    iss: SIMULATOR_ISSUER,
    nbf: iat,
    sub: `https://www.googleapis.com/compute/v1/projects/${projectId}/zones/${zone}/instances/${instanceName}`,
    ...(nonce === undefined ? {} : { eat_nonce: nonces.length === 1 ? nonce : nonces }),
    eat_profile: PROFILE,
    secboot: true,
    oemid: 11129,
    hwmodel: SIMULATED_HARDWARE,
    swname: 'CONFIDENTIAL_SPACE',
    swversion: ['260800'],
    dbgstat: 'disabled-since-boot',
    submods: {
      confidential_space: {
        support_attributes: ['LATEST', 'STABLE', 'USABLE'],
        monitoring_enabled: { memory: container.memoryMonitoring ?? false }
      },
      container: {
        image_reference: container.imageReference,
        image_digest: container.imageDigest,
        restart_policy: container.restartPolicy ?? 'Never',
        image_id: container.imageId,
        ...(isEmpty(container.envOverride) ? {} : { env_override: container.envOverride }),
        ...(container.cmdOverride.length === 0 ? {} : { cmd_override: container.cmdOverride }),
        env: container.env,
        args: container.args
      },
      gce: {
        zone,
        project_id: projectId,
        project_number: projectNumber,
        instance_name: instanceName,
        instance_id: instanceId
      }
    },
    google_service_accounts: machine.serviceAccounts
  };
}

function isEmpty(record: Readonly<Record<string, string>>): boolean {
  return Object.keys(record).length === 0;
}

/** The contents of a token that a program can choose. */
export interface TokenContents {
  readonly kind: 'oidc' | 'pki';
  readonly audience: string;
  readonly nonces: readonly string[];
}

/** A source of signed tokens about one machine and one container. */
export interface TokenSource {
  issue(contents: TokenContents): Promise<string>;
}

/** The simulated attestation service: issues tokens about one machine and one container. */
export class TokenIssuer implements TokenSource {
  constructor(
    private readonly identity: SimulatorIdentity,
    private readonly subject: TokenSubject,
    private readonly clock: () => Date = () => new Date()
  ) {}

  /** Returns a signed token: a `pki` token carries its certificate chain, an `oidc` token only the id of its key. */
  async issue({ kind, audience, nonces }: TokenContents): Promise<string> {
    const { identity } = this;
    const claims = makeClaims(this.subject, audience, nonces, this.clock());
    const header =
      kind === 'pki'
        ? { alg: 'RS256', kid: identity.pkiKeyId, typ: 'JWT', x5c: [...identity.x5c] }
        : { alg: 'RS256', kid: identity.oidcKeyId, typ: 'JWT' };
    return new SignJWT(claims)
      .setProtectedHeader(header)
      .sign(kind === 'pki' ? identity.pkiKey : identity.oidcKey);
  }
}
