// Templates without a build: htm reads them, Preact draws them. Text is always set as text.
import htm from "htm";
import { h, render, Fragment } from "preact";
import { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback } from "preact/hooks";

export const html = htm.bind(h);
export const draw = render;
export const Group = Fragment;
export const hooks = { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback };
