import { CleanRoomError } from '@clean-room/protocol/errors';

/** A repository of a registry: `https://europe-docker.pkg.dev/project/clean-room`. */
export interface RegistryAddress {
  readonly origin: string;
  /** Host and port: what credentials are kept under. */
  readonly host: string;
  readonly repository: string;
}

const REPOSITORY = /^[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*$/;

export function isLoopback({ hostname }: URL): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function refuse(message: string, remedy: string): never {
  throw new CleanRoomError('malformed', message, { remedy });
}

/**
 * Reads `host[:port]/repository`, with or without `https://`. Plain HTTP is spoken with a registry on this machine only.
 * @throws CleanRoomError `malformed`
 */
export function parseAddress(text: string): RegistryAddress {
  const shown = text.slice(0, 200).replace(/\/\/[^/]*@/, '//');
  const whole = /^https?:\/\//.test(text) ? text : `https://${text}`;
  if (!URL.canParse(whole))
    refuse(`"${shown}" is not the address of an image repository.`, 'Write it as host/repository.');
  const url = new URL(whole);
  const repository = url.pathname.slice(1);
  if (url.username !== '' || url.password !== '')
    refuse(
      'An address of a registry holds no credentials.',
      'Log in with "docker login" and leave them out.'
    );
  if (url.search !== '' || url.hash !== '' || repository.length > 255 || !REPOSITORY.test(repository))
    refuse(`"${shown}" does not name an image repository.`, 'Write it as host/repository, without a tag.');
  requireSafe(url, url);
  return { origin: url.origin, host: url.host, repository };
}

/**
 * Refuses to speak plain HTTP, but with this machine when the registry itself is on this machine.
 * @throws CleanRoomError `malformed`
 */
export function requireSafe(url: URL, registry: URL): void {
  if (url.protocol === 'https:') return;
  if (url.protocol === 'http:' && isLoopback(url) && isLoopback(registry)) return;
  refuse(
    `${url.protocol}//${url.host} is not a safe address for a registry.`,
    'Use a registry that speaks HTTPS; plain HTTP is only for one on this machine.'
  );
}

/** An address for people and logs: queries hold signatures and upload states. */
export function redacted(url: URL): string {
  return `${url.origin}${url.pathname}`;
}
