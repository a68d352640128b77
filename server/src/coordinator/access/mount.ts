import type { FastifyReply } from 'fastify';
import { CleanRoomError } from '@clean-room/protocol/errors';
import type { ResponseOf, RouteDefinition } from '@clean-room/api';
import type { App } from '../../platform/http/app.js';
import { mount, type RouteCall } from '../../platform/http/mount.js';
import type { CoordinatorContext } from '../context.js';
import { callerOf, type Caller } from './caller.js';

type Answer<D> = Promise<ResponseOf<D> | FastifyReply>;

/** Mounts a route for those kinds of caller that its definition names. */
export function mountFor<D extends RouteDefinition>(
  app: App,
  context: CoordinatorContext,
  route: D,
  handler: (call: RouteCall<D>, caller: Caller) => Answer<D>
): void {
  mount(app, route, async call => {
    const caller = await callerOf(context, call.request);
    if (!route.callers.includes(caller.kind)) {
      throw new CleanRoomError('forbidden', `A ${caller.kind} can not do this.`, {
        remedy: `It takes a ${route.callers.join(' or a ')}.`
      });
    }
    return handler(call, caller);
  });
}
