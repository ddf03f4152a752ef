import { beforeEach, expect, test, vi } from "vitest";
import { networkError } from "../src/api/errors";
import { renewAccess } from "../src/api/refresh";
import { saveSession, session, type Session } from "../src/api/session";

const signedIn: Session = {
  access: "old", refresh: "r1", user: { id: 1, username: "u", name: "U", roles: [], balance: 0 },
};

beforeEach(() => saveSession(signedIn));

test("many calls at once spend the refresh token once", async () => {
  const spend = vi.fn(async () => ({ access: "new", refresh: "r2" }));
  const answers = await Promise.all([1, 2, 3].map(() => renewAccess("old", spend)));
  expect(answers).toEqual(["new", "new", "new"]);
  expect(spend).toHaveBeenCalledTimes(1);
  expect(session.get()).toMatchObject({ access: "new", refresh: "r2" });
});

test("another tab's fresh tokens are used instead of spending again", async () => {
  localStorage.setItem("paiban.session", JSON.stringify({ ...signedIn, access: "theirs", refresh: "r9" }));
  const spend = vi.fn();
  expect(await renewAccess("old", spend)).toBe("theirs");
  expect(spend).not.toHaveBeenCalled();
});

test("a refused token ends the session", async () => {
  expect(await renewAccess("old", async () => null)).toBeNull();
  expect(session.get()).toBeNull();
});

test("a bad network does not", async () => {
  await expect(renewAccess("old", async () => { throw networkError(); })).rejects.toThrow();
  expect(session.get()).toEqual(signedIn);
});
