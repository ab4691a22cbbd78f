{{/*
Values of the ingress-nginx chart that ask for something Shockwave does not do
and whose silent loss would change what is served: one sentence for each that
is set, one per line.
*/}}
{{- define "shockwave.unsupported" -}}
{{- $c := .Values.controller -}}
{{- if dig "enabled" false (.Values.defaultBackend | default dict) }}
defaultBackend.enabled: the chart brings no default backend; name a Service with controller.extraArgs.default-backend-service.
{{- end }}
{{- if $c.extraModules }}
controller.extraModules: there is no nginx to load modules into.
{{- end }}
{{- if dig "configMapName" "" ($c.customTemplate | default dict) }}
controller.customTemplate: there is no nginx.conf to template.
{{- end }}
{{- if $c.allowSnippetAnnotations }}
controller.allowSnippetAnnotations: snippets are never executed.
{{- end }}
{{- if and (not (dig "enabled" false ($c.scope | default dict))) (dig "namespaceSelector" "" ($c.scope | default dict)) }}
controller.scope.namespaceSelector: namespaces cannot be selected by label; use controller.scope.namespace.
{{- end }}
{{- if dig "enabled" false ($c.keda | default dict) }}
controller.keda.enabled: write the ScaledObject yourself or use controller.autoscaling.
{{- end }}
{{- end -}}

{{/* Stops the rendering when such a value is set and not waved through. */}}
{{- define "shockwave.refuseUnsupported" -}}
{{- $found := include "shockwave.unsupported" . | trim -}}
{{- if and $found (not .Values.controller.ignoreUnsupportedValues) -}}
{{- fail (printf "\n\nThese values are not supported by Shockwave:\n%s\nUnset them, or set controller.ignoreUnsupportedValues=true to install without what they ask for." $found) -}}
{{- end -}}
{{- end -}}
