// SPDX-License-Identifier: MIT
// A small line chart on a canvas, in the canvas' own CSS color.

/** Draws `values` from left to right, scaled to their greatest (at least `floor`). */
export function drawSparkline(canvas: HTMLCanvasElement, values: readonly number[], floor = 4): void {
  const context = canvas.getContext("2d");
  const { clientWidth: width, clientHeight: height } = canvas;
  if (context === null || width === 0) return;
  const scale = devicePixelRatio;
  if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
  if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);

  const top = Math.max(floor, ...values);
  const x = (i: number) => (i / (values.length - 1)) * width;
  const y = (value: number) => height - 1.5 - (value / top) * (height - 4);
  const line = new Path2D();
  values.forEach((value, i) => line.lineTo(x(i), y(value)));
  const area = new Path2D(line);
  area.lineTo(width, height);
  area.lineTo(0, height);

  context.fillStyle = context.strokeStyle = getComputedStyle(canvas).color;
  context.globalAlpha = 0.14;
  context.fill(area);
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  context.stroke(line);
}
