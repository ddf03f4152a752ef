import { readQuota } from "../api/endpoints";
import { session } from "../api/session";
import { createStore } from "../ui/store";

/** The balance in the header; null while nobody is signed in. */
export const balance = createStore<number | null>(session.get()?.user.balance ?? null);

/** A header that cannot be refreshed keeps the last figure: nobody is stopped by it. */
export async function refreshQuota(): Promise<void> {
  if (!session.get()) return balance.set(null);
  const quota = await readQuota().catch(() => null);
  if (quota) balance.set(quota.balance);
}

session.subscribe(() => {
  const user = session.get()?.user;
  if (!user) balance.set(null);
  else if (balance.get() === null) balance.set(user.balance);
});
