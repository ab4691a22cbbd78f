{{/*
The command line. A flag in controller.extraArgs replaces the one that the
chart would set.
*/}}
{{- define "shockwave.args" -}}
{{- $c := .Values.controller -}}
{{- $name := include "shockwave.controller.fullname" . -}}
{{- $args := dict -}}
{{- /* The two ways to say what status.loadBalancer is exclude each other. */ -}}
{{- if and $c.publishService.enabled $c.service.enabled (not (hasKey ($c.extraArgs | default dict) "publish-status-address")) -}}
{{- $service := default (printf "$(POD_NAMESPACE)/%s" $name) $c.publishService.pathOverride -}}
{{- if dig "external" "enabled" true $c.service -}}
{{- $_ := set $args "publish-service" $service -}}
{{- else if dig "internal" "enabled" false $c.service -}}
{{- $_ := set $args "publish-service" (printf "%s-internal" $service) -}}
{{- end -}}
{{- end -}}
{{- $_ := set $args "election-id" (include "shockwave.electionID" .) -}}
{{- $_ := set $args "controller-class" $c.ingressClassResource.controllerValue -}}
{{- with $c.ingressClass -}}
{{- $_ := set $args "ingress-class" . -}}
{{- end -}}
{{- $_ := set $args "configmap" (printf "%s/%s" (default "$(POD_NAMESPACE)" $c.configMapNamespace) $name) -}}
{{- range $protocol := list "tcp" "udp" -}}
{{- if get $.Values $protocol -}}
{{- $namespace := dig $protocol "configMapNamespace" "" (pick $c "tcp" "udp") | default "$(POD_NAMESPACE)" -}}
{{- $_ := set $args (printf "%s-services-configmap" $protocol) (printf "%s/%s-%s" $namespace (include "shockwave.fullname" $) $protocol) -}}
{{- end -}}
{{- end -}}
{{- if $c.scope.enabled -}}
{{- $_ := set $args "watch-namespace" (default "$(POD_NAMESPACE)" $c.scope.namespace) -}}
{{- end -}}
{{- if $c.ingressClassByName -}}
{{- $_ := set $args "ingress-class-by-name" "true" -}}
{{- end -}}
{{- if $c.watchIngressWithoutClass -}}
{{- $_ := set $args "watch-ingress-without-class" "true" -}}
{{- end -}}
{{- $_ := set $args "http-port" $c.containerPort.http -}}
{{- $_ := set $args "https-port" $c.containerPort.https -}}
{{- $_ := set $args "healthz-port" (dig "port" 10254 $c.metrics) -}}
{{- $_ := set $args "shutdown-grace-period" (dig "shutdownGracePeriod" 10 $c) -}}
{{- with $c.allocationMode -}}
{{- $_ := set $args "allocation-mode" . -}}
{{- end -}}
{{- range $flag, $value := $c.extraArgs -}}
{{- $_ := set $args $flag $value -}}
{{- end -}}
{{- range $flag, $value := $args }}
{{- if eq (toString $value) "" }}
- {{ printf "--%s" $flag | quote }}
{{- else }}
- {{ printf "--%s=%v" $flag $value | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{/* The port of health, readiness and metrics. */}}
{{- define "shockwave.adminPort" -}}
{{- get (.Values.controller.extraArgs | default dict) "healthz-port" | default (dig "port" 10254 .Values.controller.metrics) -}}
{{- end -}}
