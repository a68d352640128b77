import type { FastifyReply } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ResponseOf, RouteDefinition } from '@clean-room/api';
import type { App } from '../../platform/http/app.js';
import { mount, type RouteCall } from '../../platform/http/mount.js';
import type { CoordinatorContext } from '../context.js';
import { callerOf, identify, type Caller } from './caller.js';

type Answer<D> = Promise<ResponseOf<D> | FastifyReply>;

/**
 * Adds a route for the kinds of caller that its definition names. The handler receives the authenticated caller.
 */
export function mountFor<D extends RouteDefinition>(
  app: App,
  context: CoordinatorContext,
  route: D,
  handler: (call: RouteCall<D>, caller: Caller) => Answer<D>
): void {
  mount(app, route, async call => {
    const caller = await callerOf(context, call.request);
    if (!route.callers.includes(caller.kind)) {
      throw new CleanRoomError('forbidden', `A ${caller.kind} cannot do this.`, {
        remedy: `Only a ${route.callers.join(' or a ')} can do this.`
      });
    }
    return handler(call, caller);
  });
}

/** Adds a route that only the operator may call. */
export function mountForOperator<D extends RouteDefinition & { readonly callers: readonly ['operator'] }>(
  app: App,
  context: CoordinatorContext,
  route: D,
  handler: (call: RouteCall<D>) => Answer<D>
): void {
  mount(app, route, async call => {
    const { kind } = await identify(context, call.request);
    if (kind !== 'operator') {
      throw new CleanRoomError('forbidden', 'Only the operator can do this.', {
        remedy: 'Use the token in the file that the coordinator’s configuration names as "operatorTokenFile".'
      });
    }
    return handler(call);
  });
}
