import { z } from 'zod';
import { type Actor, systemActor } from '../../platform/access/index.ts';
import { defineStepKind } from '../../platform/registries/index.ts';
import { ALERT_DELIVERY } from './alerts/deliver-alert.ts';
import { monitorInputsSchema, monitorOutputsSchema } from './contract.ts';
import type { MonitoringService } from './service.ts';

/** Step kind `monitor`: everything that is due for an endpoint at its watermark. */
export function monitorStep(service: MonitoringService, actor: Actor = systemActor) {
  return defineStepKind({
    kind: 'monitor',
    place: 'control',
    inputs: monitorInputsSchema,
    outputs: monitorOutputsSchema,
    async run({ endpoint }, context) {
      const outputs = await service.run(actor, endpoint);
      const { closed, matured, revised, alertsOpened, alertsResolved } = outputs;
      context.log(`${endpoint}: ${closed} windows closed, ${matured} matured, ${revised} measured again`);
      context.log(`${alertsOpened} alerts opened, ${alertsResolved} resolved`);
      return outputs;
    },
  });
}

/** Step kind `alert-delivery`: tells one webhook of one alert; the queue repeats it until it has arrived. */
export function alertDeliveryStep(service: MonitoringService, actor: Actor = systemActor) {
  return defineStepKind({
    kind: ALERT_DELIVERY,
    place: 'control',
    inputs: z.strictObject({ deliveryId: z.string() }),
    outputs: z.strictObject({}),
    timeoutMs: 30_000,
    async run({ deliveryId }, context) {
      await service.deliver(actor, deliveryId, context.signal);
      return {};
    },
  });
}
