import { SIMULATED_HARDWARE, SIMULATOR_ISSUER } from '@clean-room/protocol/attestation';

/** The machine that a token speaks of. */
export interface Machine {
  readonly projectId: string;
  readonly projectNumber: string;
  readonly zone: string;
  readonly instanceName: string;
  readonly instanceId: string;
  readonly serviceAccounts: readonly string[];
}

/** The container that a token speaks of. */
export interface ContainerClaims {
  /** As the operator wrote it: a tag or a digest. Never an identity. */
  readonly imageReference: string;
  readonly imageDigest: string;
  /** Digest of the image's config. */
  readonly imageId: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly envOverride: Readonly<Record<string, string>>;
  readonly cmdOverride: readonly string[];
}

export interface TokenSubject {
  readonly machine: Machine;
  readonly container: ContainerClaims;
}

/** Seconds that a token lives, on every real one. */
export const TOKEN_LIFE_SECONDS = 3600;

const PROFILE =
  'https://cloud.google.com/confidential-computing/confidential-space/docs/reference/token-claims';

/**
 * Claims in the shape, order and spelling of a production token, but for issuer and hardware, which say that this is
 * none. What is empty is left out, as Google does.
 */
export function makeClaims(
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
        monitoring_enabled: { memory: false }
      },
      container: {
        image_reference: container.imageReference,
        image_digest: container.imageDigest,
        restart_policy: 'Never',
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
