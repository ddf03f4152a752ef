import { beforeEach, expect, test, vi } from "vitest";
import { readFeature, readMenus } from "../src/api/endpoints";
import { adviceFor, errorFromText } from "../src/api/errors";
import { keepPreview, leavePreview, preview, withPreview } from "../src/api/preview";
import { takePreview } from "../src/app/preview";
import { navigate, place } from "../src/app/router";

beforeEach(() => {
  keepPreview(null);
  vi.spyOn(window, "scrollTo").mockImplementation(() => {});
});

test("a link's token is kept for the tab and taken out of the address", () => {
  navigate("/f/poster?preview=a.b-c_d&from=7");
  takePreview();
  expect(preview.get()).toBe("a.b-c_d");
  expect(sessionStorage.getItem("paiban.preview")).toBe("a.b-c_d");
  expect(location.pathname + location.search).toBe("/f/poster?from=7");
  expect(place.get().query.get("preview")).toBeNull();
});

test("the same on the first page", () => {
  navigate("/?preview=tok");
  takePreview();
  expect([location.pathname + location.search, preview.get()]).toEqual(["/", "tok"]);
});

test("an address without a token keeps what the tab has", () => {
  keepPreview("old");
  navigate("/tasks");
  takePreview();
  navigate("/?preview=");
  takePreview();
  expect([preview.get(), location.search]).toEqual(["old", ""]);
});

test("leaving forgets it and says so once", () => {
  keepPreview("tok");
  const heard = vi.fn();
  const stop = preview.subscribe(heard);
  leavePreview();
  leavePreview();
  stop();
  expect([preview.get(), sessionStorage.getItem("paiban.preview")]).toEqual([null, null]);
  expect(heard).toHaveBeenCalledTimes(1);
});

test("the feed is asked for the draft only while a preview is on", async () => {
  const asked = vi.spyOn(globalThis, "fetch").mockImplementation(async () => new Response("{}"));
  await readMenus();
  keepPreview("a&b");
  await readMenus();
  await readFeature("x y");
  expect(asked.mock.calls.map(([address]) => address)).toEqual([
    "/api/v1/ui/menus", "/api/v1/ui/menus?preview=a%26b", "/api/v1/ui/schema?feature=x%20y&preview=a%26b",
  ]);
  asked.mockRestore();
});

test("storage that is blocked costs the memory, not the preview", () => {
  const blocked = vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => { throw new Error("blocked"); });
  keepPreview("tok");
  blocked.mockRestore();
  expect(withPreview("/ui/menus")).toBe("/ui/menus?preview=tok");
});

test.each([[400, "E_PREVIEW_INVALID"], [410, "E_PREVIEW_EXPIRED"], [403, "E_PREVIEW_REVOKED"]])("a link that does not work says what to do (%#)", (status, reason) => {
  expect(adviceFor(errorFromText(status, JSON.stringify({ reason }), () => null))).toBe("advice.preview");
});
