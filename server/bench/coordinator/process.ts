import { spawn } from 'node:child_process';
import { toBase64 } from '@clean-room/protocol/bytes';
import type { TestDeployment } from '../../test/support/deployment.js';
import type { CloudAccess, StartMessage } from './child.js';

/** A coordinator in its own process. */
export interface CoordinatorProcess {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the coordinator of a deployment in its own process.
 *
 * @param script - the bundled child program
 * @param cloud - the cloud in which it starts machines; without it, its machines do nothing
 */
export async function startProcess(
  script: string,
  deployment: TestDeployment,
  cloud?: CloudAccess
): Promise<CoordinatorProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc']
  });
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()));
  const { manifest, config, statement } = deployment.kernelImage;
  child.send({
    config: deployment.config,
    kernelImage: [toBase64(manifest), toBase64(config), statement],
    ...(cloud === undefined ? {} : { cloud })
  } satisfies StartMessage);
  const { url } = await new Promise<{ url: string }>((resolve, reject) => {
    child.once('message', message => resolve(message as { url: string }));
    child.once('close', () => reject(new Error('the coordinator ended before it was ready')));
  });
  const stop = async (): Promise<void> => {
    child.kill();
    await ended;
  };
  return { pid: child.pid ?? 0, url, stop };
}
