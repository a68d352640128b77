import { Type, type Static } from 'typebox';
import { Closed, PartyName, PersonId } from '@clean-room/protocol/documents';
import { CleanRoomError } from '@clean-room/protocol/errors';
import { ATTEMPT_SECONDS } from '@clean-room/protocol/jobs';
import { ConfidentialSpaceSettings } from './backends/confidential-space/settings.js';
import { checkConfig, Listen, LogLevel, Mode } from '../platform/config/config.js';
import { requireProtectedConnection } from '../platform/database/postgres-url.js';
import { isGoogleRepository } from './images/google-credentials.js';

const Path = Type.String({ minLength: 1 });
const Url = Type.String({ pattern: '^https?://[^/]+(/.*)?$' });

/** Sign-in of one person, who can act for several parties. For evaluation only. */
const EmbeddedAuthentication = Closed({
  kind: Type.Literal('embedded'),
  /** File with the person's bearer token. Only its owner may be able to read it. */
  tokenFile: Path,
  /** The roster entries that the person can act as. */
  acts: Type.Array(Closed({ party: PartyName, person: PersonId }), { minItems: 1 })
});

/** Sign-in through a JupyterHub. */
const JupyterHubAuthentication = Closed({
  kind: Type.Literal('jupyterhub'),
  /** Address of the Hub's API, for example `http://hub:8081/hub/api`. */
  api: Url,
  /** The name under which the Hub knows this service. */
  service: Type.String({ minLength: 1 }),
  /** The party that the members of each Hub group act for. */
  groups: Type.Record(Type.String(), PartyName)
});

/** Images in a folder, for TEEs on this machine. */
const LayoutImages = Closed({
  kind: Type.Literal('layout'),
  /** OCI layout folder. Images are published to it, and TEEs start from it. It also contains the kernel images. */
  folder: Path
});

const Repository = Type.String({ minLength: 3, maxLength: 500 });

/** Images in an OCI registry, from which TEEs pull them. */
const RegistryImages = Closed({
  kind: Type.Literal('registry'),
  /** Repository for the images of revisions, as `host/repository`. */
  repository: Repository,
  /** Repository with the kernel images, as `host/repository`. In the same registry, their layers are not copied. */
  kernelImages: Repository,
  /** `google` for the service account of this machine, `docker` for those of `docker login`. */
  credentials: Type.Union([Type.Literal('google'), Type.Literal('docker')])
});

/** Simulated TEEs on this machine. */
const LocalBackend = Closed({
  kind: Type.Literal('local'),
  /** Folder for the state of simulated TEEs, which continue when the coordinator ends. */
  folder: Path
});

/** The configuration of a coordinator. */
export const CoordinatorConfig = Closed({
  mode: Mode,
  listen: Listen,
  logLevel: LogLevel,
  /** Base URL at which supervisors reach this server, if it is not the address that the server listens on. */
  supervisorUrl: Type.Optional(Url),
  /** `pglite:<folder>`, or `postgres://…` with TLS or a Unix socket. */
  database: Type.String({ minLength: 1 }),
  /** `folder:<path>` or `gs://<bucket>/<prefix>`. */
  objects: Type.String({ minLength: 1 }),
  images: Type.Union([LayoutImages, RegistryImages]),
  /** Folders with `manifest.json`, `config.json` and `statement.json` (a DSSE envelope) of each kernel image. */
  kernelImages: Type.Array(Path),
  /** File with 32 secret bytes in base64url: the key that signs the log's checkpoints. */
  logKeyFile: Path,
  /** File with 32 secret bytes in base64url, from which the secrets of attempts are derived. */
  jobSecretFile: Path,
  authentication: Type.Union([EmbeddedAuthentication, JupyterHubAuthentication]),
  custodians: Type.Array(Closed({ party: PartyName, tokenFile: Path })),
  /** File with the operator's bearer token. It gives access only to the console output of machines. Without it, no one has this access. */
  operatorTokenFile: Type.Optional(Path),
  backend: Type.Union([LocalBackend, ConfidentialSpaceSettings]),
  limits: Closed({
    /** Maximum number of requests per minute from one credential. */
    requestsPerMinute: Type.Integer({ minimum: 1 }),
    /** Maximum size of a sealed asset or a stand-in, in bytes. */
    assetBytes: Type.Integer({ minimum: 1 }),
    /** Maximum size of one sealed output, in bytes. */
    outputBytes: Type.Integer({ minimum: 1 }),
    /** Maximum time from starting a TEE to its first message, in seconds. */
    startSeconds: Type.Integer({ minimum: 1 }),
    /** Maximum time that a run waits for the custodians' keys, in seconds. */
    keySeconds: Type.Integer({ minimum: 1 }),
    /** Time between two status requests for all TEEs, in seconds. */
    watchSeconds: Type.Integer({ minimum: 1 }),
    /** Time after which a TEE that the backend does not know counts as lost, in seconds. */
    lostSeconds: Type.Integer({ minimum: 1 })
  })
});
export type CoordinatorConfig = Static<typeof CoordinatorConfig>;

/** The limits of a deployment that sets no limits of its own. */
export const DEFAULT_LIMITS: CoordinatorConfig['limits'] = {
  requestsPerMinute: 12_000,
  assetBytes: 64 * 1024 ** 3,
  outputBytes: 1024 ** 3,
  startSeconds: 600 + ATTEMPT_SECONDS.start,
  keySeconds: ATTEMPT_SECONDS.keys + 60,
  watchSeconds: 2,
  lostSeconds: 120
};

/**
 * Checks a configuration.
 *
 * @param from - where the configuration comes from, for error messages
 * @throws CleanRoomError `malformed`, or `forbidden` for settings that are not allowed in production
 */
export function checkCoordinatorConfig(value: unknown, from: string): CoordinatorConfig {
  const config = checkConfig(CoordinatorConfig, value, from);
  if (config.mode === 'production') requireProductionSettings(config, from);
  requireMatchingImages(config, from);
  return config;
}

function requireProductionSettings(config: CoordinatorConfig, from: string): void {
  const forbidden = (setting: string, remedy: string): CleanRoomError =>
    new CleanRoomError('forbidden', `${from} configures ${setting}. This is not allowed in production.`, {
      remedy
    });
  if (config.backend.kind === 'local') {
    throw forbidden('the local backend, which only simulates a TEE', 'Configure a backend with real TEEs.');
  }
  if (config.authentication.kind === 'embedded') {
    throw forbidden(
      'one embedded person, who can act for every party',
      'Configure authentication through JupyterHub.'
    );
  }
  if (config.database.startsWith('pglite:')) {
    throw forbidden(
      'the embedded database, which works on one machine only',
      'Configure a PostgreSQL database.'
    );
  }
  requireProtectedConnection(config.database, from);
  if (config.supervisorUrl === undefined) {
    throw new CleanRoomError('malformed', `${from} does not say at which address TEEs reach this server.`, {
      remedy: 'Set "supervisorUrl".'
    });
  }
}

/** Checks that TEEs of the configured backend can start from the configured store of images. */
function requireMatchingImages({ backend, images }: CoordinatorConfig, from: string): void {
  const expected = backend.kind === 'local' ? 'layout' : 'registry';
  if (images.kind !== expected) {
    throw new CleanRoomError(
      'malformed',
      `${from} configures the backend "${backend.kind}" with images in a ${images.kind}.`,
      { remedy: `Configure "images" with the kind "${expected}".` }
    );
  }
  if (images.kind !== 'registry' || images.credentials !== 'google') return;
  const other = [images.repository, images.kernelImages].find(repository => !isGoogleRepository(repository));
  if (other === undefined) return;
  throw new CleanRoomError(
    'malformed',
    `${from} would send the token of a Google service account to ${other}.`,
    {
      remedy: 'Set "credentials" to "docker", or use Artifact Registry.'
    }
  );
}
