import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { session } from "../api/session";
import { SignInPage } from "../auth/SignInPage";
import { HomePage } from "../home/HomePage";
import { useTranslate } from "../i18n/translate";
import { TasksPage } from "../tasks/TasksPage";
import { Empty } from "../ui/Notice";
import { Link } from "../ui/Link";
import { useStore } from "../ui/store";
import { useTitle } from "../ui/useTitle";
import { signInPath } from "./AccountMenu";
import { useMenuUpdates } from "./menus";
import { match, navigate, place } from "./router";
import { Shell } from "./Shell";

// The form library weighs more than all the rest: the first page does not wait for it.
const loadFeaturePage = () => import("../features/FeaturePage");
const FeaturePage = lazy(() => loadFeaturePage().then((module) => ({ default: module.FeaturePage })));
const TaskPage = lazy(() => import("../tasks/TaskPage").then((module) => ({ default: module.TaskPage })));

type Route = [pattern: string, page: (params: Record<string, string>) => ReactNode];

const ROUTES: Route[] = [
  ["", () => <HomePage />],
  ["/f/:feature", ({ feature = "" }) => <FeaturePage key={feature} feature={feature} />],
  ["/tasks", () => <SignedIn><TasksPage /></SignedIn>],
  ["/tasks/:id", ({ id = "" }) => <SignedIn><TaskPage key={id} id={id} /></SignedIn>],
  ["/sign-in", () => <SignInPage />],
];

export function App() {
  useMenuUpdates();
  const { path } = useStore(place);
  useEffect(() => void setTimeout(() => void loadFeaturePage(), 1500), []);
  return <Shell><Suspense fallback={<div className="panel panel--blank" aria-busy="true" />}>{pageAt(path)}</Suspense></Shell>;
}

function pageAt(path: string): ReactNode {
  for (const [pattern, page] of ROUTES) {
    const params = match(pattern, path);
    if (params) return page(params);
  }
  return <NotFound />;
}

function SignedIn({ children }: { children: ReactNode }) {
  const signedIn = useStore(session) !== null;
  useEffect(() => {
    if (!signedIn) navigate(signInPath(), { replace: true });
  }, [signedIn]);
  return signedIn ? children : null;
}

function NotFound() {
  const t = useTranslate();
  useTitle(t("notFound.title"));
  return (
    <Empty icon="flag" title={t("notFound.title")} action={<Link className="button button--key" to="/">{t("nav.home")}</Link>}>
      {t("notFound.hint")}
    </Empty>
  );
}
