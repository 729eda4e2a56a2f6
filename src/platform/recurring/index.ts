export { Recurring, type RecurringWork } from './recurring.ts';
