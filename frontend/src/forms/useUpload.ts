import { useCallback, useEffect, useRef, useState } from "react";
import { ApiError, asApiError } from "../api/errors";
import { startUpload, type UploadJob } from "../api/uploads";
import { previewOf, rememberFiles, uploadsUnderWay } from "./files";

export interface Uploading {
  name: string;
  preview: string | null;
  progress: number;
}

/** Uploads one file at a time for one field. A new choice takes the place of the running one. */
export function useUpload(onDone: (id: string) => void) {
  const [active, setActive] = useState<Uploading | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const job = useRef<UploadJob | null>(null);

  const cancel = useCallback(() => {
    job.current?.abort();
    job.current = null;
    setActive(null);
  }, []);

  useEffect(() => () => job.current?.abort(), []);

  const start = useCallback(
    async (file: File) => {
      job.current?.abort();
      const preview = previewOf(file);
      setError(null);
      setActive({ name: file.name, preview, progress: 0 });
      const mine = startUpload(file, (progress) => setActive((now) => now && { ...now, progress }));
      job.current = mine;
      uploadsUnderWay.set(uploadsUnderWay.get() + 1);
      try {
        const { id, ...info } = await mine.done;
        rememberFiles({ [id]: { ...info, url: preview ?? info.url } });
        if (job.current === mine) onDone(id);
      } catch (failure) {
        if (job.current === mine) setError(asApiError(failure));
      } finally {
        uploadsUnderWay.set(uploadsUnderWay.get() - 1);
        if (job.current === mine) cancel();
      }
    },
    [cancel, onDone],
  );

  return { active, error, start, cancel };
}
